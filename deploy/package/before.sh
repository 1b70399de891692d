#!/bin/sh
# The user that the units run as.
set -e
getent group headcount >/dev/null || groupadd --system headcount
getent passwd headcount >/dev/null || useradd --system --gid headcount --home-dir /var/lib/headcount --no-create-home --shell /usr/sbin/nologin headcount
