# conftest test --policy conftest plan.json, after: provisioner plan -o json > plan.json
package main

import rego.v1

deny contains message if {
	input.protected
	some step in input.steps
	step.action in {"delete", "replace"}
	message := sprintf("%s: %s in a protected environment", [step.address, step.action])
}

deny contains message if {
	input.summary.create > 5
	message := sprintf("%d endpoints are created at once, at most 5", [input.summary.create])
}
