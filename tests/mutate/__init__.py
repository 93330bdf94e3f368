"""Mutation check: break every rule in the table of operations, one at a time, and see that the tests notice.

    python -m tests.mutate

Tests that pass say little of themselves: they might pass with a wrong rule, too. So each derivative rule is broken on
purpose (sign, factor, operand, a missing sum, ...), the suite is run on it, and what it lets live is reported. A mutant
that lives is a hole in the suite, unless it computes the same (then it is called equivalent, and can be looked at).

``mutant``    what a mutant is, and how it is planted and taken out again
``wrapped``   rules broken from outside: another sign, factor, operand, shape, ...
``text``      rules broken inside: one operator of their source changed
``code``      what a function refers to
``targets``   what there is to break: rules, the helpers they call, the engine's own walk
``engine``    the functions of the walk that are broken, and what must notice
``promises``  what the walk promises to rules, by small programs with rules of their own
``suite``     the tests of a row, and the smallest program on which a mutant is seen
``same``      whether a mutant computes anything else at all
``alike``     why some mutants compute the same but for rounding
``family``    pytest on the files that mention a row, with the mutant planted
``running``   all of it, on several processes
``report``    the table
"""
