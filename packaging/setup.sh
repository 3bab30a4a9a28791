#!/bin/sh
# Makes what a package cannot hold: the user, directories that are its own, and with "first" the configuration. Run
# again, it changes nothing.
set -e
getent passwd btrt >/dev/null ||
  useradd --system --user-group --home-dir /var/lib/btrt --no-create-home --shell /usr/sbin/nologin btrt
install -d -o btrt -g btrt -m 0750 /var/lib/btrt /var/log/btrt
# Secrets may be in there.
chown root:btrt /etc/btrt
chmod 0750 /etc/btrt
if [ "$1" = first ] && [ ! -e /etc/btrt/btrt.conf ]; then
  install -o root -g btrt -m 0640 /usr/share/btrt/btrt.conf /etc/btrt/btrt.conf
fi
