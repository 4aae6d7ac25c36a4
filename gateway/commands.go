package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/ptt"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/app"
	"sentrybox/gateway/boxid"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/demo"
	"sentrybox/gateway/replay"
	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// version is set by the build, by -ldflags -X main.version=….
var version = ""

// env is what every command works with.
type env struct {
	ctx    context.Context
	out    io.Writer
	errOut io.Writer
	lang   text.Lang
}

type commands struct {
	Run     runCmd     `cmd:"" help:"${help_run}"`
	Check   checkCmd   `cmd:"" help:"${help_check}"`
	Raise   raiseCmd   `cmd:"" help:"${help_raise}"`
	Health  healthCmd  `cmd:"" help:"${help_health}"`
	Replay  replayCmd  `cmd:"" help:"${help_replay}"`
	Find    findCmd    `cmd:"" help:"${help_find}"`
	Probe   probeCmd   `cmd:"" help:"${help_probe}"`
	Duty    dutyCmd    `cmd:"" help:"${help_duty}"`
	Demo    demoCmd    `cmd:"" help:"${help_demo}"`
	Profile profileCmd `cmd:"" help:"${help_profile}"`
	Backup  backupCmd  `cmd:"" help:"${help_backup}"`
	Restore restoreCmd `cmd:"" help:"${help_restore}"`
	Label   labelCmd   `cmd:"" help:"${help_label}"`
	Board   boardCmd   `cmd:"" help:"${help_board}"`
	Hash    hashCmd    `cmd:"" help:"${help_hash}"`
	Secret  secretCmd  `cmd:"" help:"${help_secret}"`
	Privacy privacyCmd `cmd:"" help:"${help_privacy}"`
	Update  updateCmd  `cmd:"" help:"${help_update}"`
	Version versionCmd `cmd:"" help:"${help_version}"`

	DVRIPSession dvripSessionCmd `cmd:"" name:"dvrip-session" hidden:""`
	PTTGuard     pttGuardCmd     `cmd:"" name:"ptt-guard" hidden:""`
	UpdateSchema updateSchemaCmd `cmd:"" name:"update-schema" hidden:""`
}

// run carries out the command line and returns the exit status: 0 well, 1
// failed, 2 misused.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	lang := text.FromEnv()
	vars := kong.Vars{"first_listen": config.FirstListen, "label_file": boxid.LabelFile}
	for _, name := range []string{
		"about", "run", "check", "raise", "health", "strict", "replay", "probe", "duty", "demo", "hash", "version", "config", "kind", "severity",
		"profile", "profile_test", "profile_list", "profile_show", "profile_decode", "profile_schema", "profile_radio", "profile_radio_id", "profile_folder", "profile_file",
		"baud", "parity", "units", "profile_port", "profile_read", "profile_text", "profile_payload", "camera", "video", "decode", "annotate", "explain", "json", "url", "transport", "for", "footage",
		"board", "board_list", "board_apply", "label", "label_file", "label_make", "label_serial", "backup", "backup_alerts", "backup_evidence", "backup_file", "passphrase_file", "restore", "restore_show", "restore_yes", "restore_copy",
		"restore_gateway", "restore_street", "restore_community", "restore_page", "restore_data",
		"find", "addresses", "scan", "public", "interface", "wait", "user", "data", "listen", "password_file", "plain", "channels", "templates",
	} {
		vars["help_"+name] = text.T(lang, text.Key("help."+name))
	}
	for _, name := range append(guardHelp(), updateHelp()...) {
		vars["help_"+name] = text.T(lang, text.Key("help."+name))
	}
	exited := -1
	var cmds commands
	parser, err := kong.New(&cmds, vars, kong.Name("sentrybox"), kong.Description(vars["help_about"]),
		kong.Writers(helpWriter{out, lang}, errOut), kong.Exit(func(code int) { exited = code }), kong.UsageOnError())
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "sentrybox:", err)
		return 1
	}
	parser.Model.HelpFlag.Help = text.T(lang, "help.help")
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help was asked for
		return exited
	}
	if err != nil {
		_, _ = fmt.Fprintln(errOut, misused(lang, err))
		_, _ = fmt.Fprintln(errOut, text.T(lang, "help.hint"))
		return 2
	}
	e := &env{ctx: ctx, out: out, errOut: errOut, lang: lang}
	if err := kctx.Run(e); err != nil {
		if ctx.Err() == nil || !errors.Is(err, context.Canceled) { // whoever interrupts knows it
			e.complain(err)
		}
		return 1
	}
	return 0
}

func (e *env) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.errOut, &slog.HandlerOptions{Level: level}))
}

type checkCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
}

func (c *checkCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	e.warnModes(c.Config, cfg)
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "config.ok", c.Config))
	return err
}

type raiseCmd struct {
	Config   string `required:"" placeholder:"FILE" help:"${help_config}"`
	Kind     string `default:"test" help:"${help_kind}"`
	Severity int    `required:"" placeholder:"N" help:"${help_severity}"`
}

func (c *raiseCmd) Run(e *env) error {
	if c.Severity < 1 || c.Severity > 4 {
		return &sentence{"raise.severity", []any{c.Severity}}
	}
	if kinds := control.Kinds(); !slices.Contains(kinds, c.Kind) {
		return &sentence{"raise.kind", []any{c.Kind, strings.Join(kinds, ", ")}}
	}
	cfg, err := dataOf(c.Config)
	if err != nil {
		return err
	}
	req := control.Request{ID: ulid.Make().String(), Kind: c.Kind, Severity: c.Severity}
	id, err := control.Raise(e.ctx, cfg.Data, req)
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return &sentence{"control.none", []any{cfg.Data}}
	case errors.Is(err, control.ErrRefused):
		return &sentence{"raise.refused", []any{err}}
	case err != nil:
		return &sentence{"raise.unsure", []any{err}}
	}
	_, err = fmt.Fprintln(e.out, id)
	return err
}

// dataOf reads a config for its data folder alone: whoever raises a test alert
// need not have the gateway's passwords in the environment.
func dataOf(path string) (*config.Config, error) {
	b, err := strict.ReadFile(path)
	if err != nil {
		return nil, strict.Unreadable(path, err)
	}
	return config.Parse(path, b, config.Lenient(config.Environment(path)))
}

type replayCmd struct {
	Camera   string `required:"" placeholder:"FILE" help:"${help_camera}"`
	Annotate string `type:"path" placeholder:"OUT.mp4" help:"${help_annotate}"`
	Explain  string `type:"path" placeholder:"OUT.jsonl" help:"${help_explain}"`
	Decode   string `enum:"auto,full," default:"" placeholder:"auto|full" help:"${help_decode}"`
	Video    string `arg:"" help:"${help_video}"`
}

func (c *replayCmd) Run(e *env) error {
	cam, err := config.LoadCamera(c.Camera)
	if err != nil {
		return err
	}
	if kinds := cam.Unbuilt(); len(kinds) > 0 {
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "replay.unbuilt", fmt.Sprint(kinds)))
	}
	if c.Decode != "" {
		cam.Decode = c.Decode
	}
	r := &replay.Replay{
		Camera: cam, Video: c.Video, AddressSpace: config.Defaults().Vision.AddressSpace, Out: e.out, Log: e.log(slog.LevelWarn),
		Annotate: c.Annotate, Explain: c.Explain,
	}
	if r.VisionPath, err = app.FindVision(""); err != nil {
		return err
	}
	if isTerminal(e.errOut) {
		r.Progress = e.errOut
	}
	err = r.Run(e.ctx)
	if c.Annotate != "" && err == nil {
		c.legend(e, cam)
	}
	switch {
	case errors.Is(err, replay.ErrNoEncoder):
		return &sentence{"replay.no_encoder", nil}
	case errors.Is(err, replay.ErrOverwrites):
		return &sentence{"replay.overwrites", []any{c.Video}}
	}
	return err
}

// legend says which zones the annotated video shows by their number alone, since
// its font is Latin.
func (c *replayCmd) legend(e *env, cam *config.Camera) {
	cfg, _ := camera.WireConfig(cam)
	for i, z := range cfg.Zones {
		if strings.IndexFunc(z.Name, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "replay.legend", fmt.Sprintf("Z%d", i+1), z.Name))
		}
	}
}

type probeCmd struct {
	Transport string `default:"auto" enum:"auto,tcp,udp" help:"${help_transport}"`
	JSON      bool   `help:"${help_json}"`
	lineFlags
	URL string `arg:"" help:"${help_url}"`
}

func (c *probeCmd) Run(e *env) error {
	switch scheme, _, _ := strings.Cut(strings.ToLower(c.URL), "://"); scheme {
	case "dvrip":
		return c.dvrip(e)
	case "onvif":
		return c.onvif(e)
	case "serial", "tcp":
		return c.listen(e, c.URL)
	case "modbus", "modbus+rtu":
		return c.scan(e, c.URL)
	case "rtsp", "rtsps":
	default: // the address is not shown: without a scheme it may begin with a password
		return &sentence{"probe.scheme", nil}
	}
	rep, err := rtsp.Probe(e.ctx, rtsp.Config{URL: c.URL, Transport: rtsp.Transport(c.Transport)})
	if err != nil {
		return probeError(err)
	}
	if c.JSON {
		return json.NewEncoder(e.out).Encode(rtspJSON(rep))
	}
	return printProbe(e, rep)
}

// dvripSessionCmd is the process that the gateway starts for each session with a
// DVRIP device: this very program.
type dvripSessionCmd struct{}

func (dvripSessionCmd) Run() error { return dvrip.ServeProcess(dvripAddressSpace) }

// pttGuardCmd is the process that holds a transmitter's key for one transmission.
type pttGuardCmd struct{}

func (pttGuardCmd) Run() error { return ptt.ServeProcess() }

// dvripAddressSpace bounds that process, in bytes; most of it is reserved by the
// runtime and never touched.
const dvripAddressSpace = 2 << 30

type demoCmd struct {
	For     time.Duration `help:"${help_for}"`
	JSON    bool          `help:"${help_json}"`
	Footage string        `type:"path" placeholder:"FILE" help:"${help_footage}"`
}

func (c *demoCmd) Run(e *env) error {
	vision, err := app.FindVision("")
	if err != nil {
		return err
	}
	if c.Footage == "" {
		c.Footage = footageBeside(vision)
	}
	d := &demo.Demo{For: c.For, JSON: c.JSON, Footage: c.Footage, Vision: vision, Out: e.out, Log: e.log(slog.LevelWarn), Lang: e.lang, Version: programVersion()}
	return d.Run(e.ctx)
}

// footageBeside returns the footage that hack/demo has put beside the programs,
// or nothing.
func footageBeside(program string) string {
	path := filepath.Join(filepath.Dir(program), "footage", "vtest.mp4")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintf(e.out, "sentrybox %s\n", programVersion())
	return err
}

func programVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok && version == "" {
		return b.Main.Version
	}
	return version
}

// isTerminal reports whether w is a terminal, on which a progress bar makes sense.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
