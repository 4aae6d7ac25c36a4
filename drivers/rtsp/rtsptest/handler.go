package rtsptest

import (
	"crypto/rand"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// handler answers requests; it keeps gortsplib's callbacks out of Server's methods.
type handler struct{ s *Server }

func (h handler) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	h.s.mutex.Lock()
	defer h.s.mutex.Unlock()
	h.s.conns[ctx.Conn] = struct{}{}
}

func (h handler) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	h.s.mutex.Lock()
	defer h.s.mutex.Unlock()
	delete(h.s.conns, ctx.Conn)
	h.s.Log.Debug("connection closed", "cause", ctx.Error)
}

func (h handler) OnSessionOpen(ctx *gortsplib.ServerHandlerOnSessionOpenCtx) {
	h.s.mutex.Lock()
	defer h.s.mutex.Unlock()
	h.s.sessions[ctx.Session] = nil
}

func (h handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	h.s.mutex.Lock()
	defer h.s.mutex.Unlock()
	if cam := h.s.sessions[ctx.Session]; cam != nil {
		h.s.Log.Info("reader left", "camera", cam.path, "cause", ctx.Error)
	}
	delete(h.s.sessions, ctx.Session)
}

func (h handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return h.find(ctx.Conn, ctx.Request, ctx.Path, ctx.Query)
}

func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return h.find(ctx.Conn, ctx.Request, ctx.Path, ctx.Query)
}

func (h handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	cam := h.s.asked(ctx.Path, ctx.Query)
	if cam == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil
	}
	h.s.mutex.Lock()
	h.s.sessions[ctx.Session] = cam
	h.s.mutex.Unlock()
	cam.reportSoon()
	h.s.Log.Info("reader came", "camera", cam.path, "from", ctx.Conn.NetConn().RemoteAddr().String())
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (h handler) OnPause(ctx *gortsplib.ServerHandlerOnPauseCtx) (*base.Response, error) {
	h.s.mutex.Lock()
	h.s.sessions[ctx.Session] = nil
	h.s.mutex.Unlock()
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (h handler) find(conn *gortsplib.ServerConn, req *base.Request, path, query string) (*base.Response, *gortsplib.ServerStream, error) {
	if !h.allowed(conn, req) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	cam := h.s.asked(path, query)
	if cam == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, cam.stream, nil
}

func (h handler) allowed(conn *gortsplib.ServerConn, req *base.Request) bool {
	h.s.mutex.Lock()
	refuse := h.s.refuse
	h.s.mutex.Unlock()
	user, password := h.s.User, h.s.Password
	if refuse {
		password = rand.Text() // which nobody has
		if user == "" {
			user = "admin"
		}
	}
	return user == "" || conn.VerifyCredentials(req, user, password)
}
