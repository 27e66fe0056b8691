# ./apus new: writes a small system of one's own. The template is Examples/Hello itself, so the two cannot drift.
# shellcheck shell=bash

# Names that would hide something a system imports, or a package of ours.
readonly NEW_TAKEN=" apus bazaar benchmarks swift main test tests system service web edge store cache route target string greeter "

new_help() {
    cat <<'HELP'
Usage: ./apus new NAME [--dir DIR] [--json]

Writes a system of your own outside this clone: Package.swift, one source file, a README. It depends on this clone by
path; a comment in Package.swift says how to make that a URL. NAME has lower-case letters, digits and hyphens.

  --dir DIR     the folder to write, which must not exist or be empty
                (default: NAME in the current folder, or next to this clone if you are inside it)
  --json        one JSON document on stdout

Example:
  ./apus new shop && cd ../shop && swift run shop up
HELP
}

apus_new() {
    local name='' folder='' json=no type home="$APUS_ROOT/Examples/Hello" file target
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) new_help; return 0 ;;
            --dir) folder=${2:?--dir needs a folder}; shift ;;
            --json) json=yes ;;
            -*) usage_error "new does not know '$1'; ./apus new --help" ;;
            *) [ -z "$name" ] || usage_error "one system at a time"; name=$1 ;;
        esac
        shift
    done
    if [ -z "$name" ]; then new_help >&2; exit 2; fi
    [[ $name =~ ^[a-z][a-z0-9]*(-[a-z0-9]+)*$ ]] ||
        usage_error "'$name' is no name for a system: lower-case letters, digits and single hyphens, such as my-shop"
    case $NEW_TAKEN in *" $name "*) usage_error "'$name' is taken by Apus or Swift; try $name-app" ;; esac
    # my-shop becomes MyShop.
    type=$(sed -E 's/(^|-)([a-z0-9])/\U\2/g' <<<"$name")

    if [ -z "$folder" ]; then
        case $PWD/ in "$APUS_ROOT"/*) folder=${APUS_ROOT%/*}/$name ;; *) folder=$PWD/$name ;; esac
    fi
    folder=$(realpath -m -- "$folder")
    case $folder/ in "$APUS_ROOT"/*) usage_error "$folder is inside this clone; choose a folder outside it" ;; esac
    if [ -e "$folder" ] && { [ ! -d "$folder" ] || [ -n "$(ls -A "$folder")" ]; }; then die "$folder exists and is not empty"; fi

    # What sed would read as more than itself in the path of this clone.
    local clone
    # shellcheck disable=SC2001
    clone=$(sed 's/[&|\\]/\\&/g' <<<"$APUS_ROOT")
    while IFS= read -r file; do
        target=$folder/${file//Hello/$type}
        mkdir -p "${target%/*}"
        sed -e "s|struct Hello\b|struct $type|g" -e "s|\"Hello\"|\"$type\"|g" -e "s|\bhello\b|$name|g" \
            -e "s|Sources/Hello/Hello|Sources/$type/$type|g" -e "s|^# Hello|# $type|" \
            -e "s|path: \"../..\"|path: \"$clone\"|" "$home/$file" >"$target"
    done < <(cd "$home" && find . -name .build -prune -o -name .apus -prune -o -type f -printf '%P\n')

    if [ "$json" = yes ]; then
        printf '{"name":%s,"directory":%s,"next":%s}\n' "$(json_string "$name")" "$(json_string "$folder")" \
            "$(json_string "cd '$folder' && swift run $name up")"
    else
        echo "$folder"
        echo "Next: cd '$folder' && swift run $name up"
    fi
}
