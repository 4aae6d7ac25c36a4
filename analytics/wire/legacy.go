package wire

// LegacySize is the size of the file on descriptor 7 in which a vision process leaves what the next one of its camera begins
// with, see Config.Legacy, in bytes. The gateway makes it, gives it to one process after the other, and never reads it.
const LegacySize = 3 << 20
