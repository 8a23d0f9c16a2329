#!/usr/bin/env bash
# Stop what up.sh started; munged, which others may use, stays.
set -euo pipefail
folder=${1:?folder that up.sh was given}
for name in slurmd slurmctld; do
  if [ -s "$folder/$name.pid" ]; then
    kill "$(cat "$folder/$name.pid")"
  fi
done
