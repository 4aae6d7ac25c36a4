//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestCertificatesOnThePage: a broker whose authority nobody knows, and that asks for a certificate of ours, is reached with
// what a technician gives on the page.
func TestCertificatesOnThePage(t *testing.T) {
	certs := mqtttest.NewCerts(t)
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{CA: certs.CA, Cert: certs.Cert, Key: certs.Key, ClientCert: true})
	listen := freePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: %q}
uplink: {mqtt: [{url: "${BROKER}"}]}
`, listen))
	b := startBrowser(t, "http://"+listen)
	b.claim(g.setupCode())
	b.open("/settings")
	b.until("the broker refused", `document.querySelector("#uplinks .state.bad, #uplinks .state.warn")`)
	paste := func(key, file string) string {
		t.Helper()
		pem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.Evaluate(fmt.Sprintf(`document.querySelector("[data-pem=%s]").value = %q`, key, pem), nil))
		return string(pem)
	}
	const trust, own = "#uplinks details:has([data-pem=ca])", "#uplinks details:has([data-pem=cert])"
	b.press(trust + " summary")
	paste("ca", certs.Cert)
	b.press("[data-keep=ca]")
	b.says(trust+" .strip", "不是 CA 证书")
	b.do(chromedp.SetUploadFiles(trust+" input[type=file]", []string{certs.CA}, chromedp.ByQuery))
	b.until("the file in the field", `document.querySelector("[data-pem=ca]").value.includes("BEGIN CERTIFICATE")`)
	b.press("[data-keep=ca]")
	b.says(trust+" .strip", "已存到设备：CN=test authority")
	b.press(own + " summary")
	paste("cert", certs.ClientCert)
	key := paste("key", certs.ClientKey)
	b.press("[data-keep=cert]")
	b.says(own+" .strip", "已存到设备：CN=client")
	b.until("the key gone from the page", `document.querySelector("[data-pem=key]").value === ""`)
	b.shot("certificates")
	b.press("#form button.main")
	b.says("#diff", "certificates/ca-")
	b.press("#save")
	b.says("#trial", "新配置正在试用")
	b.press("#trial button:first-of-type")
	b.says("#said", "已保留")
	b.open("/settings")
	b.until("the broker reached", `document.querySelector("#uplinks .state.good")`)
	b.says("#uplinks", "test authority")
	page := eval[string](b, `document.documentElement.outerHTML + [...document.querySelectorAll("input, textarea")].map(e => e.value).join()`)
	if strings.Contains(page, strings.Split(key, "\n")[1]) {
		t.Error("the key is on the page")
	}
}
