"""The fast backend on the CPU: compiled kernels on threads of their own."""
