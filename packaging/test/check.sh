#!/bin/bash
# Runs within a fresh Debian 12 under systemd, with the package installed: is the
# service well, shut in, watched over, and kept on an upgrade? Ends with "passed"
# in /root/result.
set -euo pipefail
config=/etc/sentrybox/config.yaml

step() { echo "== $*"; }
fail() {
	echo "FAILED: $*"
	systemctl status --no-pager --full sentrybox.service || true
	journalctl --no-pager -u sentrybox.service | tail -n 60 || true
	exit 1
}

# until_ok SECONDS COMMAND…
until_ok() {
	local left=$1
	shift
	until "$@" >/root/out 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { cat /root/out; return 1; }
		sleep 1
	done
}

said() { journalctl --no-pager -u sentrybox.service | grep "$@" >/dev/null; }
well() { sentrybox health --config $config; }
main_pid() { systemctl show -p MainPID --value sentrybox.service; }
analysed() { exec 3<>/dev/tcp/127.0.0.1/9100; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; grep -E '^sentrybox_.*analysed.* [1-9]' <&3; }

step "a new box: the service is up before there is a configuration"
until_ok 300 systemctl is-active sentrybox.service || fail "not active"
until_ok 300 well || fail "not well"
cat /root/out
[ ! -e $config ] || fail "a configuration that nobody has written"
[ "$(ps -o user= -p "$(main_pid)" 2>/dev/null || stat -c %U "/proc/$(main_pid)")" = sentrybox ] || fail "it does not run as sentrybox"
until_ok 300 said 'one-time code' || fail "no code to set it up"

step "how far it is shut in"
systemd-analyze security --no-pager sentrybox.service | tail -n 1
systemd-analyze security --no-pager --threshold=20 sentrybox.service >/dev/null || fail "exposed by more than 2.0"
systemd-analyze security --no-pager sentrybox-duty.service | tail -n 1

step "a camera: the vision process runs within the unit's walls"
systemd-run --quiet --unit=camsim /root/camsim --listen 127.0.0.1:8554 gate=/root/vtest.mp4
install -o sentrybox -g sentrybox -m 0600 /root/config.yaml $config
systemctl restart sentrybox.service
until_ok 300 analysed || fail "no picture was analysed"
cat /root/out
until_ok 300 well || fail "not well with a camera"

step "killed, it comes back"
old=$(main_pid)
systemctl kill --kill-who=main -s KILL sentrybox.service
until_ok 300 bash -c "[ \$(systemctl show -p MainPID --value sentrybox.service) -gt 1 ] && [ \$(systemctl show -p MainPID --value sentrybox.service) != $old ]" || fail "not back"
until_ok 300 well || fail "not well after a kill"

step "hung, systemd begins it anew"
mkdir -p /run/systemd/system/sentrybox.service.d
printf '[Service]\nWatchdogSec=15\n' >/run/systemd/system/sentrybox.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart sentrybox.service
old=$(main_pid)
kill -STOP "$old"
until_ok 300 bash -c "[ \$(systemctl show -p MainPID --value sentrybox.service) -gt 1 ] && [ \$(systemctl show -p MainPID --value sentrybox.service) != $old ]" || fail "still hung"
until_ok 300 well || fail "not well after it hung"

step "an upgrade keeps the configuration and the data"
sum=$(sha256sum $config)
old=$(main_pid)
dpkg -i /root/sentrybox.deb
[ "$(sha256sum $config)" = "$sum" ] || fail "the configuration has changed"
[ "$(main_pid)" != "$old" ] || fail "the old program still runs"
until_ok 300 well || fail "not well after an upgrade"

update() { sentrybox update --config $config --steady 2s "$@" >/root/out 2>&1; }
has() { [ "$(dpkg-query -W -f '${Status} ${Version}' sentrybox)" = "install ok installed $1" ]; }
was=$(dpkg-query -W -f '${Version}' sentrybox)

step "updates that are refused change nothing"
cp /root/1.update /root/damaged.update
printf x | dd of=/root/damaged.update bs=1 seek=100000 conv=notrunc status=none
for file in damaged 3; do
	! update /root/$file.update || fail "$file.update was taken"
	cat /root/out
	has "$was" || fail "$file.update has changed something"
done

step "an update whose program does not come up is taken back"
! update --within 8s /root/2.update || fail "it was taken for well"
tail -n 2 /root/out
has "$was" || { cat /root/out; fail "the old version is not back"; }
until_ok 300 well || fail "not well after going back"

step "an update that is cut off half-way is taken back at the next boot"
setsid sentrybox update --config $config --within 300s /root/2.update >/root/out 2>&1 &
cut=$!
until_ok 300 grep -q proving /var/lib/sentrybox-update/journal.json || fail "it did not begin"
kill -KILL $cut
wait $cut 2>/dev/null || true
truncate -s 100000 /usr/bin/sentrybox-vision # half of it
systemctl stop sentrybox.service
systemctl start sentrybox-update.service || fail "the way back failed"
has "$was" || fail "the old version is not back after a cut"
until_ok 300 well || fail "not well after a cut"
! dpkg --verify sentrybox | grep /usr/bin || fail "the programs are a mixture"

step "an update that works is kept"
update /root/1.update || { cat /root/out; fail "it was not kept"; }
tail -n 1 /root/out
has 9.1 || fail "the new version is not there"
until_ok 300 well || fail "not well after an update"
[ "$(sha256sum $config)" = "$sum" ] || fail "the configuration has changed"

step "what the page has uploaded is installed, or refused with the reason"
inbox=/var/lib/sentrybox/update
mkdir -p /run/systemd/system/sentrybox-update-inbox.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/bin/sentrybox update --config %s --steady 2s --inbox %s/inbox.update\n' $config $inbox \
	>/run/systemd/system/sentrybox-update-inbox.service.d/steady.conf
systemctl daemon-reload
as() { systemd-run --quiet --wait -p User=sentrybox -p UMask=0077 -p NoNewPrivileges=yes -p ProtectSystem=strict -p ReadWritePaths=/var/lib/sentrybox \
	-p MemoryDenyWriteExecute=yes -p SystemCallFilter=@system-service "$@"; }
told() { grep -qs "$1" /var/lib/sentrybox-update/result.json; }
systemctl is-active --quiet sentrybox-update.path || fail "nothing waits for an update"
as dpkg --compare-versions 9.4 gt 9.1 || fail "the service cannot compare versions"
as dpkg-query -W sentrybox || fail "the service cannot ask for its version"
as cat /var/lib/sentrybox-update/result.json || fail "the service cannot read the result"
chmod 0644 /root/*.update && mv /root/*.update /opt/
as mkdir -p $inbox
as ln -s /etc/shadow $inbox/inbox.update
until_ok 300 told update.error.none || fail "a link was not refused"
as cp /opt/3.update $inbox/new
as mv $inbox/new $inbox/inbox.update
until_ok 300 told update.error.arch || fail "one for another processor was not refused"
has 9.1 || fail "a refused upload has changed something"
as cp /opt/4.update $inbox/new
as mv $inbox/new $inbox/inbox.update
until_ok 300 told '"proven".*"9.4"' || { cat /var/lib/sentrybox-update/result.json; journalctl --no-pager -u sentrybox-update-inbox.service | tail -n 30; fail "the upload was not installed"; }
cat /var/lib/sentrybox-update/result.json
has 9.4 || fail "the uploaded version is not there"
[ -z "$(ls -A $inbox)" ] || fail "left in the inbox: $(ls -A $inbox)"
until_ok 300 well || fail "not well after an upload"

step "a partition of the data that does not mount is tried again, until somebody stops the service"
systemctl stop sentrybox.service
mount=/run/systemd/system/var-lib-sentrybox.mount
printf '[Mount]\nWhat=tmpfs\nWhere=/var/lib/sentrybox\nType=tmpfs\nOptions=mode=0755,bogus\n' >$mount
systemctl daemon-reload
! systemctl start sentrybox.service || fail "it starts without its partition"
until_ok 30 systemctl is-active sentrybox-again.service || fail "nobody tries again"
sed -i s/,bogus// $mount
systemctl daemon-reload
until_ok 60 well || fail "not well once the partition is there"
mountpoint -q /var/lib/sentrybox || fail "it runs without its partition"
until_ok 30 sh -c '! systemctl is-active --quiet sentrybox-again.service' || fail "it is tried still"
systemctl stop sentrybox.service var-lib-sentrybox.mount
rm $mount
systemctl daemon-reload
systemctl start sentrybox.service
until_ok 60 well || fail "not well with its own data"

step "removed and installed again, it runs"
dpkg --remove sentrybox
! systemctl is-active --quiet sentrybox.service || fail "it runs without its package"
dpkg -i /root/sentrybox.deb
until_ok 300 well || fail "not well after it was installed again"
systemctl is-enabled --quiet sentrybox.service || fail "the next boot does not start it"
[ "$(sha256sum $config)" = "$sum" ] || fail "the configuration has changed"

step "removed and purged, alerts are kept"
dpkg --purge sentrybox
[ ! -e /etc/sentrybox ] || fail "its configuration is left"
[ -s /var/lib/sentrybox/sentrybox.db ] || fail "alerts are gone: $(ls /var/lib/sentrybox)"
! systemctl is-active --quiet sentrybox.service || fail "it still runs"
echo passed >/root/result
