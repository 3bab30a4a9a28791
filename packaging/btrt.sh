#!/bin/sh
exec /usr/lib/btrt/bin/node /usr/lib/btrt/lib/main.js "$@"
