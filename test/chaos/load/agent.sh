#!/bin/sh
# Stands for a coding agent: leaves its trace as the first line of its prompt says, and works for a while.
read -r task traces seconds
echo "push $task $$-$(date +%s%N)" >>"$traces"
sleep "$seconds"
echo done
