"""What the traffic lab runs in its network namespaces, in one program: see main.go."""
