"""Operations that only the compiler makes: several operations of a graph in one kernel.

No GraphDef knows them, so they are not registered; passes of `penstock.compiler` put them in place of what they fuse.
"""
