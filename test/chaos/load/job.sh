#!/bin/sh
# What a host runs: leaves its trace, and works for a while.
echo "job $1 $HOST_RUN_ID" >>"$2"
sleep "$3"
