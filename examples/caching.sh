#!/usr/bin/env bash
# Caching and errors: conditional requests with an ETag, the headers that say what a reply cost, and a problem document.
set -euo pipefail
API=${API:-http://127.0.0.1:8787}
headers=$(mktemp) body=$(mktemp)
trap 'rm -f "$headers" "$body"' EXIT

echo "The first reply has an ETag. X-Cache names the tier that answered, Server-Timing counts the round trips."
curl --silent --show-error --output /dev/null --dump-header "$headers" "$API/api/v2/spirits"
grep --ignore-case --extended-regexp '^(etag|x-cache|server-timing):' "$headers"

etag=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "etag:" { print $2 }')
printf '\nA client that sends the ETag back gets no body.\n'
curl --silent --output /dev/null --write-out 'status %{http_code}, %{size_download} bytes\n' \
  --header "if-none-match: $etag" "$API/api/v2/spirits"

printf '\nA failed request gets a problem document (RFC 9457), which names every invalid field.\n'
curl --silent --output "$body" --write-out 'status %{http_code}, %{content_type}\n' \
  "$API/api/v2/spirits/available?rank=King&level=0"
node -p 'JSON.stringify(JSON.parse(fs.readFileSync(0)), null, 2)' <"$body"
