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

session() { "$ENDPOINT_SSH" -s "$ENDPOINT_USER@127.0.0.1" sftp; }
faults() { curl -sf -o /dev/null "$@" "$ENDPOINT_API/api/v1/faults"; }

[ -z "$denied" ] && { session; exit; }
trap 'faults -X DELETE' EXIT
for request in $denied; do
  faults --json "{\"fault\":\"status\",\"at\":\"$request\",\"status\":3}" || exit 1
done
session
