# shellcheck shell=bash
# reach PORT ADDRESS…: prints the first address whose PORT answers from this node; returns 1 if none does
port=$1
shift
for a in "$@"; do
  timeout 8 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$a" "$port" 2>/dev/null
  case $? in
    0) echo "reached=$a"; exit 0 ;;
    124) echo "$a port $port: no answer" ;;
    *) echo "$a port $port: refused or no route" ;;
  esac
done
exit 1
