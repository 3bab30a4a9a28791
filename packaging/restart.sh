#!/bin/sh
# After an upgrade: has the new version take over, if it accepts the configuration and the database. Else the old one
# goes on, and it is said what to do.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl try-restart btrt-gate.service
systemctl --quiet is-active btrt.service || exit 0
if problem=$(/usr/sbin/btrt check --database 2>&1 >/dev/null); then
  exec systemctl restart btrt.service
fi
echo "btrt: the old version goes on running, for the new one would not start:" >&2
echo "$problem" >&2
echo "btrt: put that right, and then: systemctl restart btrt; until then none runs after a crash or a boot" >&2
