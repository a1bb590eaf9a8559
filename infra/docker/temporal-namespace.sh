#!/bin/sh
# Creates the namespace that the services use if it is missing, and keeps its closed workflows for 7 days. An existing
# namespace is left unchanged.
set -eu

namespace=default

if ! temporal operator namespace describe --namespace "$namespace" > /dev/null 2>&1; then
	temporal operator namespace create --namespace "$namespace" --retention 7d
fi
