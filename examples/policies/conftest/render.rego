# conftest test --policy conftest render.json, after: provisioner render -o json > render.json
package main

import rego.v1

deny contains message if {
	some key, endpoint in input.resources.model_serving_endpoints
	some entity in endpoint.config.served_entities
	entity.workload_size == "Large"
	message := sprintf("%s: the served entity %s has the size Large", [key, entity.name])
}

deny contains message if {
	some key, endpoint in input.resources.model_serving_endpoints
	not has_cost_center(endpoint)
	message := sprintf("%s: the tag cost_center is missing", [key])
}

has_cost_center(endpoint) if {
	some tag in endpoint.tags
	tag.key == "cost_center"
}
