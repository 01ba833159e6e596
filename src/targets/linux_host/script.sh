# Run by /bin/sh as root at a host, as the body of a function: a text that arrives in part does nothing. What is asked stands in variables before this text: asked, account, moment, nonce. Answers are lines: a word
# and values; texts are base64. What comes from outside is only ever used in double quotes.
set -u
umask 077
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

say() { printf '%s\n' "$*"; }
tell() { say "$1 $(printf '%s' "$2" | base64 | tr -d '\n')"; }
end() {
  say "end $nonce"
  exit 0
}
fail() {
  tell "$1" "$2"
  end
}

say "revoked 1 $nonce"
[ "$(id -u)" = 0 ] || fail rights 'we are not root there; set sudo = true, and let our account run /bin/sh by sudo without a password'
for tool in getent awk base64 chage usermod readlink setpriv; do
  command -v "$tool" >/dev/null || fail broken "the host has no $tool"
done
system=$(uname -sr)
tell system "$system"
uid_min=$(awk '$1 == "UID_MIN" { print $2; exit }' /etc/login.defs)
uid_min=${uid_min:-1000}
today=$(($(date +%s) / 86400))
if [ "$asked" = probe ]; then
  [ -r /etc/shadow ] || fail rights '/etc/shadow cannot be read'
  end
fi

# Who it is.
entry=$(getent passwd "$account")
case $? in
0) ;;
2)
  say nobody
  end
  ;;
*) fail broken 'getent cannot tell who is there' ;;
esac
IFS=: read -r name _ uid gid _ home _ <<END
$entry
END
[ "$name" = "$account" ] || fail broken 'the host answers with another account than was asked for'
case $uid in '' | *[!0-9]*) fail broken 'the account has no uid' ;; esac
if [ "$uid" -lt "$uid_min" ] || [ "$uid" -eq 65534 ]; then
  fail system_account "its uid $uid is that of a system account"
fi
if [ "$account" = "${SUDO_USER:-$(id -un)}" ]; then
  say ourselves
  [ "$asked" = look ] || fail failed 'it is the account that we use ourselves; changing it would lock us out'
fi

of_account() { awk -F: -v name="$account" '$1 == name { print; exit }' "$1"; }
local=no
[ -z "$(of_account /etc/passwd)" ] || local=yes
IFS=: read -r _ hash _ _ _ _ _ expires _ <<END
$(of_account /etc/shadow)
END
case $hash in '!'* | '*'*) locked=yes ;; *) locked=no ;; esac

# The files that sshd reads keys from.
expand() {
  rest=$1 path=
  while :; do
    case $rest in
    *%*)
      path=$path${rest%%\%*} rest=${rest#*%}
      case $rest in
      h*) path=$path$home ;;
      u*) path=$path$account ;;
      U*) path=$path$uid ;;
      %*) path=$path% ;;
      esac
      rest=${rest#?}
      ;;
    *)
      path=$path$rest
      break
      ;;
    esac
  done
  case $path in /*) ;; *) path=$home/$path ;; esac
}
real_home=$(readlink -f -- "$home")
sshd=$(sshd -T -C "user=$account,host=localhost,addr=127.0.0.1" | awk '$1 ~ /^(authorizedkeys|trustedusercakeys)/')
patterns=$(printf '%s\n' "$sshd" | awk '$1 == "authorizedkeysfile" { $1 = ""; print }')
set -f
# Goes to the folder of a file of keys; from then on nobody can put another folder in its place.
at_folder_of() {
  expand "$1"
  case $1 in
  /*%[huU]* | %h*) ;;
  /*) return 1 ;;
  esac
  cd -P -- "${path%/*}" || return 1
  file=${path##*/} folder=$(pwd -P)
  if [ -n "$real_home" ] && [ "$real_home" != / ]; then
    case $folder/ in "$real_home"/*) return 0 ;; esac
  fi
  # Outside the home: only where no symbolic link led there, since the person may have made it.
  case $1 in
  /*) [ "$folder" = "${path%/*}" ] ;;
  *) return 1 ;;
  esac
}
keys() {
  if [ -d "$home" ] && ! ls -- "$home" >/dev/null; then
    tell unseen_keys 'its home cannot be looked into'
    return
  fi
  [ -n "$patterns" ] || tell unseen_keys 'sshd does not tell from which files it reads keys (sshd -T)'
  for pattern in ${patterns:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    [ "$pattern" != none ] || continue
    expand "$pattern"
    [ -e "$path" ] || [ -h "$path" ] || continue
    if ! (at_folder_of "$pattern"); then
      case $pattern in
      /*%*) tell unseen_keys "the folder of $path cannot be reached, or a symbolic link leads elsewhere; look there by hand" ;;
      /*) tell note "sshd reads keys of everybody from $path; who has one there is not told" ;;
      *) tell unseen_keys "the folder of $path leads out of its home; look there by hand" ;;
      esac
      continue
    fi
    [ -s "$path" ] || [ -h "$path" ] || continue
    tell key "$path"
  done
}
move_keys() {
  for pattern in ${patterns:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    [ "$pattern" != none ] || continue
    expand "$pattern"
    [ -e "$path" ] || [ -h "$path" ] || continue
    # Renamed where it lies, and never into a folder that somebody has put there.
    (at_folder_of "$pattern" && mv -T -n -- "./$file" "./$file.revoked-$moment" && [ ! -e "./$file" ]) ||
      tell failed "$path could not be moved aside"
  done
}

# Processes that are its own: what it runs, and what runs with its rights. The dead that nobody has buried yet do nothing.
processes() {
  cat /proc/[0-9]*/status | awk -v uid="$uid" '
    $1 == "State:" { state = $2 }
    $1 == "Pid:" { pid = $2 }
    $1 == "Uid:" && state != "Z" && state != "X" && ($2 == uid || $3 == uid) { print pid }'
}
as_account() { setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"; }
end_processes() {
  command -v loginctl >/dev/null && timeout 5 loginctl terminate-user "$account" >/dev/null
  round=0 empty=0 sign=TERM
  while [ "$round" -lt 60 ]; do
    if [ -z "$(set +f && processes)" ]; then
      empty=$((empty + 1))
      [ "$empty" -lt 2 ] || return
    else
      empty=0
      [ "$round" -lt 10 ] || sign=KILL
      # All that it may signal, at once: no process can fork out of that.
      if [ "$round" -eq 0 ] || [ "$sign" = KILL ]; then as_account sh -c "kill -s $sign -- -1" >/dev/null; fi
    fi
    round=$((round + 1))
    sleep 0.1
  done
  tell failed 'its processes do not end'
}

local_only() { [ "$local" = yes ] || fail failed 'it is not in /etc/passwd of the host: it is kept elsewhere, and has to be suspended there'; }
case $asked in
suspend)
  local_only
  if [ -z "$expires" ] || [ "$expires" -ge "$today" ]; then
    [ -z "$expires" ] || tell note "it was to expire on day $expires since 1970 before"
    chage -E "$((today - 1))" "$account" || tell failed 'chage could not let it expire'
  fi
  usermod -L "$account" || tell failed 'usermod could not lock its password'
  end
  ;;
password)
  local_only
  # A password that matches nothing. The lock before it stays: chpasswd would lift it.
  case $locked in yes) new='!*' ;; *) new='*' ;; esac
  usermod -p "$new" "$account" || tell failed 'usermod could not replace its password'
  end
  ;;
keys)
  move_keys
  end
  ;;
processes)
  end_processes
  end
  ;;
release)
  local_only
  chage -E -1 "$account" || tell failed 'chage could not lift its expiry'
  case $hash in '!'?*) usermod -U "$account" || tell failed 'usermod could not unlock its password' ;; esac
  end
  ;;
esac

# How it is.
say "account $uid $local $locked ${expires:-none} $today"
keys
set +f
for pid in $(processes); do
  stat=$(cat "/proc/$pid/stat") || continue
  rest=${stat##*) }
  # shellcheck disable=SC2086
  set -- $rest
  shift 19
  case $1 in '' | *[!0-9]*) continue ;; esac
  say "process $pid $1"
done

# What is told and not ended.
groups=$(id -nG "$account")
tell note "it is in the groups $groups"
printf '%s\n' "$sshd" | awk '$1 == "authorizedkeyscommand" && $2 != "none"' | grep -q . &&
  tell note 'sshd asks a program for further keys (AuthorizedKeysCommand); end them where that program has them from'
printf '%s\n' "$sshd" | awk '$1 == "trustedusercakeys" && $2 != "none"' | grep -q . &&
  tell note 'sshd takes certificates (TrustedUserCAKeys): one that the person holds works again once the account does'
for file in /etc/sudoers /etc/sudoers.d/*; do
  [ -f "$file" ] && [ -n "$(awk -v name="$account" '$1 == name' "$file")" ] && tell note "$file names it"
done
for file in "/var/spool/cron/crontabs/$account" "/var/spool/cron/$account"; do
  [ -f "$file" ] && tell note "it has a crontab, $file: it does not run while the account has expired, and runs again after that"
done
for file in /etc/crontab /etc/cron.d/*; do
  [ -f "$file" ] && [ -n "$(awk -v name="$account" '$6 == name' "$file")" ] && tell note "$file runs commands as it"
done
for folder in /var/spool/cron/atjobs /var/spool/at; do
  [ -d "$folder" ] || continue
  count=$(find "$folder" -maxdepth 1 -type f -user "$uid" | wc -l)
  [ "$count" -eq 0 ] || tell note "it has $count jobs of at in $folder"
done
[ -e "/var/lib/systemd/linger/$account" ] && tell note 'its services start with the host (linger): loginctl disable-linger ends that'
count=0
for folder in /proc/[0-9]*; do
  # Whoever signed in, whatever it became since; without pam_loginuid nobody is known by that.
  login=$(cat "$folder/loginuid") && [ "$login" = "$uid" ] || continue
  owner=$(awk '$1 == "Uid:" { print $2 }' "$folder/status")
  case $owner in '' | "$uid") ;; *) count=$((count + 1)) ;; esac
done
[ "$count" -eq 0 ] || tell note "$count processes that it began run as somebody else (sudo, su): look at them by hand"
end
