# shellcheck shell=bash
# noise LINE: prints which start-up file contains this line, as at=FILE:LINE
for f in ~/.bashrc ~/.bash_profile ~/.bash_login ~/.profile ~/.zshenv ~/.cshrc ~/.tcshrc ~/.config/fish/config.fish \
  /etc/bash.bashrc /etc/bashrc /etc/zshenv /etc/zsh/zshenv /etc/csh.cshrc /etc/profile /etc/profile.d/*; do
  [ -r "$f" ] || continue
  n=$(grep -nF -m 1 -- "$1" "$f" 2>/dev/null) || continue
  echo "at=$f:${n%%:*}"
  exit 0
done
exit 0
