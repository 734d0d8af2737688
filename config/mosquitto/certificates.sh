#!/bin/sh
# A station's own authority, and the certificates that it issues. 站点自己的 CA 及其签发的证书。
#
#   certificates.sh authority STATION [DAYS]        once: tls/ca.pem, tls/ca.key               (default 3650 days)
#   certificates.sh server HOST…      [-d DAYS]     the broker's: tls/server.pem, .key         (default 825 days)
#   certificates.sh request STATION                 at a neighbour's: out/STATION.key, .csr    for the other side to sign
#   certificates.sh sign STATION FILE [-d DAYS]     a neighbour's request: out/STATION.pem     (default 365 days)
#   certificates.sh client STATION    [-d DAYS]     request and sign in one, where both are yours: out/STATION.pem, .key
#   certificates.sh dates                           until when each certificate in tls/ and out/ is good
#
# All files lie below the folder it is called in. Keys never leave the machine that made them: send the .csr there, and the .pem and
# ca.pem back. The authority's key (tls/ca.key) is needed for issuing alone: keep it offline between times.
# A certificate's common name is the station's id; the broker's access list goes by it.
set -eu
umask 077

die() { echo "certificates.sh: $*" >&2; exit 2; }

is_id() { printf '%s' "$1" | grep -Eqx '[a-z0-9][a-z0-9-]{0,47}'; }

days=
args=
while [ $# -gt 0 ]; do
    case $1 in
        -d) [ $# -ge 2 ] || die "-d needs a number of days"; days=$2; shift 2 ;;
        *) args="$args $1"; shift ;;
    esac
done
# Ids, host names and files without blanks: splitting is what is wanted.
# shellcheck disable=SC2086
set -- $args
[ $# -ge 1 ] || { sed -n '2,13p' "$0" | sed 's/^# \{0,1\}//'; exit 2; }

new_key() {
    [ ! -e "$1" ] || die "$1 is there already: move it away first"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1"
}

# sign REQUEST CERTIFICATE DAYS EXTENSIONS
sign() {
    [ -e tls/ca.key ] || die "there is no tls/ca.key: make it with \"certificates.sh authority STATION\""
    printf '%s\n' "$4" > "$2.ext"
    openssl x509 -req -in "$1" -CA tls/ca.pem -CAkey tls/ca.key -set_serial "0x$(openssl rand -hex 16)" \
        -sha256 -days "$3" -extfile "$2.ext" -out "$2" 2> /dev/null || die "openssl could not sign $1"
    rm -f "$2.ext"
    chmod 644 "$2"
    echo "$2: good until $(openssl x509 -in "$2" -noout -enddate | cut -d= -f2)"
}

what=$1
shift
case $what in
    authority)
        [ $# -ge 1 ] && is_id "$1" || die "authority STATION: the station's id"
        mkdir -p tls
        new_key tls/ca.key
        openssl req -x509 -new -key tls/ca.key -sha256 -days "${days:-${2:-3650}}" -subj "/CN=$1 authority" \
            -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" -out tls/ca.pem
        chmod 644 tls/ca.pem
        echo "tls/ca.pem: good until $(openssl x509 -in tls/ca.pem -noout -enddate | cut -d= -f2)"
        ;;
    server)
        [ $# -ge 1 ] || die "server HOST…: the names and addresses by which neighbours reach the broker"
        names=
        for host in "$@"; do
            case $host in
                *[!0-9.]*) kind=DNS ;;
                *) kind=IP ;;
            esac
            names="$names${names:+,}$kind:$host"
        done
        new_key tls/server.key
        openssl req -new -key tls/server.key -subj "/CN=$1" -out tls/server.csr
        sign tls/server.csr tls/server.pem "${days:-825}" "subjectAltName=$names
extendedKeyUsage=serverAuth
keyUsage=critical,digitalSignature
basicConstraints=critical,CA:FALSE"
        rm -f tls/server.csr
        ;;
    request|client)
        [ $# -eq 1 ] && is_id "$1" || die "$what STATION: the id of the station that the certificate is for"
        mkdir -p out
        new_key "out/$1.key"
        openssl req -new -key "out/$1.key" -subj "/CN=$1" -out "out/$1.csr"
        if [ "$what" = client ]; then
            "$0" sign "$1" "out/$1.csr" -d "${days:-365}"
        else
            echo "send out/$1.csr to the neighbour; keep out/$1.key"
        fi
        ;;
    sign)
        [ $# -eq 2 ] && is_id "$1" || die "sign STATION FILE: the neighbour's id and its request"
        subject=$(openssl req -in "$2" -noout -verify -subject -nameopt RFC2253 2> /dev/null) || die "$2 is no request"
        # Whoever sends a request says what it is to be called: it must be what was agreed.
        [ "$subject" = "subject=CN=$1" ] || die "$2 asks for \"$subject\", and not for CN=$1"
        mkdir -p out
        sign "$2" "out/$1.pem" "${days:-365}" "extendedKeyUsage=clientAuth
keyUsage=critical,digitalSignature
basicConstraints=critical,CA:FALSE"
        ;;
    dates)
        for file in tls/*.pem out/*.pem; do
            [ -e "$file" ] || continue
            echo "$file: $(openssl x509 -in "$file" -noout -subject -nameopt RFC2253 | sed 's/subject=//'), good until $(openssl x509 -in "$file" -noout -enddate | cut -d= -f2)"
        done
        ;;
    *) die "\"$what\" is none of authority, server, request, sign, client, dates" ;;
esac
