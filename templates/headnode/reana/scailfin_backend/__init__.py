"""A compute backend of REANA's job controller: steps run on the glide-ins of a scailfin cluster."""
