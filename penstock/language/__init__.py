"""What programs are written with: variables and their scopes, control flow, functions.

Start with `variables`. `init_scope` says how the making of variables leaves the functions and branches around it.
"""
