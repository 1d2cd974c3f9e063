#!/bin/sh
# Stands where sshd is expected, for scripts that start one: the endpoint has its place and runs already, so this
# only writes the file of its process number, and removes it when told to end. Asked to check its settings (-t) or
# to serve what comes in (-i), it does nothing.
case " $* " in *" -t "* | *" -i "*) exit 0 ;; esac
until [ "$1" = -f ] || [ $# = 0 ]; do shift; done
file=$(dirname "$2")/pidfile
(
  sleep 120 & sleeping=$!
  trap 'kill $sleeping; rm -f "$file"; exit' TERM
  wait $sleeping
) </dev/null >/dev/null 2>&1 &
echo $! >"$file"
