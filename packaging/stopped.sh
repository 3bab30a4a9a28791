#!/bin/sh
# The tracker has ended. When somebody stopped it, its socket is stopped, too: the next client would start it again. In a
# restart, or after a crash, the socket stays, and clients wait.
#
# After an exit with an error, such as a mistake in the configuration, the next start comes later. A client that waits at
# the socket would otherwise start the tracker again at once, several times a second.
if [ "$EXIT_CODE" = exited ] && [ "$EXIT_STATUS" != 0 ]; then sleep 3; fi
job=$(systemctl list-jobs --plain --no-legend btrt.service)
case "$job" in
*" stop "*) systemctl --no-block stop btrt.socket ;;
esac
