"""``import``: manifests from a workspace, a bundle or a Terraform state."""
