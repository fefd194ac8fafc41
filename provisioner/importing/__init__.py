"""From what exists to manifests: a workspace, a bundle, a Terraform state. Pure."""
