"""Everything a Locust process loads, and nothing else; the manifests mount this folder."""
