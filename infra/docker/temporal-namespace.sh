#!/bin/sh
# The namespace that the services use: made if missing, with closed workflows kept for 7 days; else left alone.
set -eu

namespace=default

if ! temporal operator namespace describe --namespace "$namespace" > /dev/null 2>&1; then
	temporal operator namespace create --namespace "$namespace" --retention 7d
fi
