# shellcheck shell=bash
# leaving DIR SECONDS: waits until the glide-ins of DIR, whose jobs were cancelled just now, have left their nodes: SECONDS at
# most. Each has a trace in DIR/places as long as it is there.
# a batch system needs a moment even where no glide-in runs yet
sleep 0.5
shopt -s nullglob
until=$((SECONDS + $2))
while there=("$1"/places/*) && [ ${#there[@]} -gt 0 ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.1; done
exit 0
