#!/usr/bin/env bash
# Signs a JSON web token with a key of its own, to try the endpoints that take signed tokens. Needs bash and openssl.
#
#   sign-jwt.sh keys [RS256|ES256] [FOLDER]          makes FOLDER/key.pem and FOLDER/jwks.json, the key set that a source's jwks_file names
#   sign-jwt.sh sign TYP CLAIMS [SECONDS] [FOLDER]   prints a token; TYP is the header's typ, CLAIMS a JSON object
#
# A token gets `iat` (now) and a fresh `jti` where CLAIMS have none, and `exp` where SECONDS say how long it lives. The FOLDER is the
# current one unless it is named. The key is not protected by a password: use it for trying things out, and for nothing else.
set -euo pipefail

die() {
  printf 'sign-jwt.sh: %s\n' "$*" >&2
  exit 2
}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# Bytes of hexadecimal digits.
bytes() { printf "$(sed 's/../\\x&/g' <<<"$1")"; }

public() { openssl pkey -in "$folder/key.pem" -pubout -outform DER; }

# A name that the key has by itself, so that a new key has a new one.
key_id() { public | openssl dgst -sha256 -r | cut -c1-16; }

algorithm() {
  if openssl rsa -in "$folder/key.pem" -noout 2>/dev/null; then echo RS256; else echo ES256; fi
}

keys() {
  umask 077
  case $1 in
    RS256) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$folder/key.pem" 2>/dev/null ;;
    ES256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/key.pem" 2>/dev/null ;;
    *) die "$1 is neither RS256 nor ES256" ;;
  esac
  local key
  if [[ $1 == RS256 ]]; then
    # openssl makes every RSA key with the exponent 65537, which is AQAB.
    local modulus
    modulus=$(openssl rsa -in "$folder/key.pem" -noout -modulus)
    key='"kty":"RSA","n":"'$(bytes "${modulus#*=}" | base64url)'","e":"AQAB"'
  else
    # A point that is not compressed ends the key: 32 bytes of x, 32 of y.
    key='"kty":"EC","crv":"P-256","x":"'$(public | tail -c 64 | head -c 32 | base64url)'","y":"'$(public | tail -c 32 | base64url)'"'
  fi
  printf '{"keys":[{%s,"alg":"%s","use":"sig","kid":"%s"}]}\n' "$key" "$1" "$(key_id)" >"$folder/jwks.json"
}

# The signature of standard input. openssl writes an ECDSA signature as DER: two numbers, of any length. A token has them as 32 bytes each.
signature() {
  if [[ $1 == RS256 ]]; then
    openssl dgst -sha256 -sign "$folder/key.pem" -binary
    return
  fi
  local number both=''
  for number in $(openssl dgst -sha256 -sign "$folder/key.pem" -binary | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p'); do
    number=0000000000000000000000000000000000000000000000000000000000000000$number
    both+=${number: -64}
  done
  bytes "$both"
}

sign() {
  local typ=$1 claims=$2 seconds=$3 now alg more='' signed
  [[ $claims =~ ^[[:space:]]*\{(.*)\}[[:space:]]*$ ]] || die "the claims are not a JSON object"
  claims=${BASH_REMATCH[1]}
  now=$(date +%s)
  alg=$(algorithm)
  if [[ $claims != *'"iat"'* ]]; then more+=',"iat":'$now; fi
  if [[ $claims != *'"jti"'* ]]; then more+=',"jti":"'$(openssl rand -hex 16)'"'; fi
  if [[ -n $seconds ]]; then more+=',"exp":'$((now + seconds)); fi
  if [[ -z ${claims//[[:space:]]/} ]]; then more=${more#,}; fi
  signed=$(printf '{"typ":"%s","alg":"%s","kid":"%s"}' "$typ" "$alg" "$(key_id)" | base64url).$(printf '{%s%s}' "$claims" "$more" | base64url)
  printf '%s.%s\n' "$signed" "$(printf '%s' "$signed" | signature "$alg" | base64url)"
}

command -v openssl >/dev/null || die "openssl is needed"
case ${1-} in
  keys)
    folder=${3-.}
    keys "${2-RS256}"
    ;;
  sign)
    (($# >= 3)) || die "write: sign-jwt.sh sign TYP CLAIMS [SECONDS] [FOLDER]"
    folder=${5-.}
    [[ -f $folder/key.pem ]] || die "there is no $folder/key.pem; make one with: sign-jwt.sh keys"
    sign "$2" "$3" "${4-}"
    ;;
  *) die "write: sign-jwt.sh keys [RS256|ES256] [FOLDER], or sign-jwt.sh sign TYP CLAIMS [SECONDS] [FOLDER]" ;;
esac
