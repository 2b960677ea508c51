"""The backend on a GPU: kernels in CUDA, products by cuBLAS, iterations recorded as graphs."""
