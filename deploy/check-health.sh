#!/bin/bash
# Succeeds if the scheduler in this container is well: its dashboard answers /health with 200.
# Bash alone, because the images have no HTTP client; Docker ends it if nothing answers.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$PENSTOCK_DASHBOARD_PORT"
printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
