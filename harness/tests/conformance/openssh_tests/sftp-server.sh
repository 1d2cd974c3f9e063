#!/bin/sh
# Stands where sftp-server is expected, and carries its bytes to the endpoint. What sftp-server's options -R, -P
# and -p deny, faults deny for as long as this runs. Its other options mean nothing here.
requests="open close read write lstat stat fstat setstat fsetstat opendir readdir remove mkdir rmdir realpath rename extended"
denied=
while getopts d:ef:hl:P:p:QRu: option; do
  case $option in
    R) denied="open write setstat fsetstat remove mkdir rmdir rename extended" ;;
    P) denied=$OPTARG ;;
    p) denied=$(printf '%s\n' $requests | grep -vxF "$(echo "$OPTARG" | sed s/statvfs/extended/ | tr , '\n')") ;;
  esac
done
[ "$denied" = statvfs ] && denied=extended

faults="$ENDPOINT_API/api/v1/faults"
session() { "$ENDPOINT_SSH" -s "$ENDPOINT_USER@127.0.0.1" sftp; }

[ -z "$denied" ] && { session; exit; }
trap 'curl -sf -o /dev/null -X DELETE "$faults"' EXIT
set --
for request in $denied; do
  set -- "$@" --next -sf -o /dev/null -H 'Content-Type: application/json' \
    -d "{\"fault\":\"status\",\"at\":\"$request\",\"status\":3}" "$faults"
done
shift
curl --fail-early "$@" || exit 1
session
