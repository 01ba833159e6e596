#!/bin/sh
# Drops a file of leavers into a drop folder so that it is complete at once: under another name first, with a marker that holds its SHA-256.
# Usage: drop-hr-csv.sh leavers.csv /srv/hr/drop
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 FILE.csv FOLDER" >&2
  exit 2
fi
file=$1
folder=$2
case $file in
  *.csv) ;;
  *)
    echo "$file: the name must end with .csv" >&2
    exit 2
    ;;
esac

# A name of its own for each drop, so that no file takes the place of one that was not read yet.
target=$folder/$(basename "$file" .csv)-$(date -u +%Y%m%dT%H%M%SZ)-$$.csv

umask 027
cp "$file" "$target.tmp"
# A draft may be its owner's alone; what is dropped is for the folder's group, which the daemon is in.
chmod 0640 "$target.tmp"
sha256sum "$target.tmp" | cut -d ' ' -f 1 >"$target.done.tmp"
if [ -f "$file.minisig" ]; then
  cp "$file.minisig" "$target.minisig"
  chmod 0640 "$target.minisig"
fi
mv "$target.done.tmp" "$target.done"
mv "$target.tmp" "$target"
echo "dropped $target"
