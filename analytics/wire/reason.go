package wire

// Reason is why a rule has not decided on something, or has held it back.
type Reason string

// What a track lacks to be known for a person.
const (
	TooYoung    Reason = "too_young"    // it has been there for too short a time
	SeldomSeen  Reason = "seldom_seen"  // it comes and goes
	Motionless  Reason = "motionless"   // nothing in it moves
	NoOutline   Reason = "no_outline"   // its outline is not new: light, a shadow, a place left empty
	SeenThrough Reason = "seen_through" // the background shows through it, as through light
	TooSmall    Reason = "too_small"    // for where it stands
	TooLarge    Reason = "too_large"    // for where it stands
	TooWide     Reason = "too_wide"     //
	TooFast     Reason = "too_fast"     //
	NotMoved    Reason = "not_moved"    // it stays about where it began
	NotStraight Reason = "not_straight" // it wanders to and fro
	Restless    Reason = "restless"     // its surroundings are never still
)

// Why a rule waits, or will not decide.
const (
	NotPerson    Reason = "not_person"    // the track has not shown itself to be a person; see Followed.Why
	NotMover     Reason = "not_mover"     // the same for something that moves
	Outside      Reason = "outside"       // it is out of the zone
	LostSight    Reason = "lost_sight"    // it is not seen
	NotWalked    Reason = "not_walked"    // it has not gone far enough by itself
	TooShort     Reason = "too_short"     // not for long enough
	SomeoneNear  Reason = "someone_near"  // somebody is with it
	NoOwner      Reason = "no_owner"      // nobody was there who can have left it
	Unsettled    Reason = "unsettled"     // the picture as a whole is changing
	NoTexture    Reason = "no_texture"    // the view has too little in it to tell
	PictureMoves Reason = "picture_moves" // most of the picture is in motion
	OnLine       Reason = "on_line"       // on the line or close to it
	WrongWay     Reason = "wrong_way"
	FromNowhere  Reason = "from_nowhere" // it was first seen upon the line
	TooFew       Reason = "too_few"      // fewer than the rule asks for
	Indistinct   Reason = "indistinct"   // it cannot be told from others
	Disarmed     Reason = "disarmed"     // the rule is not armed
	Shape        Reason = "shape"        // not that of such a thing
	OnlyLight    Reason = "only_light"   // the place looks as before in another light
	TakenAway    Reason = "taken_away"   // something is gone rather than there
	GivenUp      Reason = "given_up"     // it had its time and became nothing
)

// Why a track is no falling object.
const (
	Unlikely     Reason = "unlikely"     // its points may be chance
	Low          Reason = "low"          // it does not fall far enough
	Gaps         Reason = "gaps"         // it is missing in too many pictures
	Sideways     Reason = "sideways"     // it goes aside more than down
	Up           Reason = "up"           // it rises
	Company      Reason = "company"      // others move as it does
	Acceleration Reason = "acceleration" // not that of a fall
	Unsure       Reason = "unsure"       // its acceleration is not known well enough
	Slow         Reason = "slow"         //
	Steady       Reason = "steady"       // it does not get faster
	Straight     Reason = "straight"     // a line fits as well as a fall
	Sways        Reason = "sways"        // it swings from side to side
	Weak         Reason = "weak"         // short, and no good fit
	Crowded      Reason = "crowded"      // among many others
	Changes      Reason = "changes"      // it changes its size
	Other        Reason = "other"        // a reason of no name
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{
		TooYoung, SeldomSeen, Motionless, NoOutline, SeenThrough, TooSmall, TooLarge, TooWide, TooFast, NotMoved, NotStraight, Restless,
		NotPerson, NotMover, Outside, LostSight, NotWalked, TooShort, SomeoneNear, NoOwner, Unsettled, NoTexture,
		PictureMoves, OnLine, WrongWay, FromNowhere, TooFew, Indistinct, Disarmed, Shape, OnlyLight, TakenAway, GivenUp,
		Unlikely, Low, Gaps, Sideways, Up, Company, Acceleration, Unsure, Slow, Steady, Straight, Sways, Weak,
		Crowded, Changes, Other,
	}
}

// Quantity is what a Measure measures.
type Quantity string

// The quantities, with their units.
const (
	AgeOf        Quantity = "age"         // seconds
	SeenIn       Quantity = "seen_in"     // part of the pictures, 0 to 1
	StillFor     Quantity = "still_for"   // seconds
	OutlineNew   Quantity = "outline_new" // part of the outline, 0 to 1
	Through      Quantity = "through"     // of the background, 0 to 1
	Height       Quantity = "height"      // part of the picture's
	Width        Quantity = "width"       // part of its own height
	TopSpeed     Quantity = "top_speed"   // own heights a second
	Reach        Quantity = "reach"       // own heights, from where it began
	Straightness Quantity = "straight"    // its reach, as a part of its way
	RestlessPart Quantity = "restless"    // part of the surroundings, 0 to 1
	InZone       Quantity = "in_zone"     // seconds
	Empty        Quantity = "empty"       // seconds since the zone was left
	Away         Quantity = "away"        // seconds out of the zone or of sight
	Walked       Quantity = "walked"      // own heights
	FromLine     Quantity = "from_line"   // distance, as a part of what is clear of the line
	People       Quantity = "people"
	Alone        Quantity = "alone"       // seconds with nobody near
	BlocksLost   Quantity = "blocks_lost" // part of the view's textured blocks, 0 to 1
	LostFor      Quantity = "lost_for"    // seconds
	Frozen       Quantity = "frozen"      // seconds of pictures that repeat
	Points       Quantity = "points"      // of a trajectory
	Score        Quantity = "score"       // log-likelihood ratio
)

// Quantities lists every quantity.
func Quantities() []Quantity {
	return []Quantity{
		AgeOf, SeenIn, StillFor, OutlineNew, Through, Height, Width, TopSpeed, Reach, Straightness, RestlessPart, InZone, Empty,
		Away, Walked, FromLine, People, Alone, BlocksLost, LostFor, Frozen, Points, Score,
	}
}
