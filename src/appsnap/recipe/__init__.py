"""Objects to a recipe, and a recipe to objects. This package knows no bytes and no files.

A *recipe* is a list of steps and a root. Following the steps in order makes a copy of the saved objects. The root is an
operand: the result.

A *step* makes one thing or fills one. There are sixteen sorts, and a step never contains another.

A *run* stands for many steps of one sort and shape, with their operands by *column*. Most parts of the package see the
ordinary steps in the place of a run; those that have to be fast take it as a whole.

A *register* is a numbered place for one thing. The steps that make something write the registers in order, each once.

An *operand* is an input of a step: an atom, or a reference to a register that an earlier step has written.

An *atom* is None, a boolean, a number, a short text or a short byte string. It has no register and stands for itself.

A *kind* is a file format for recipes: pickle, msgpack, source or xml (`appsnap.kinds`). Every kind can hold every
recipe.

A *value type* is a type such as `datetime.date`, of which the package makes objects itself, from checked arguments. No
trust is needed for it.

A *want* is a name in a recipe and one use of it: to refer to it, to create objects of it, or to call it.

A *grant* is an entry of `trust`, given by the user: the name of a class or a function, or of a whole package. A recipe
is built only if each of its wants is covered by a grant.

The modules and packages, from the lowest to the highest:

* `steps`: the steps and the fields of each;
* `runs`: many steps of one shape as one, and the columns of their operands;
* `spellings`: calls that stand for another step;
* `builder`: a recipe under construction;
* `values`: the value types, how each is taken apart and made;
* `outline`: a recipe as a tree with paths, as text and as JSON;
* `trust`: the audit of wants against grants, and the checks and costs while building;
* `freeze`: objects to a recipe;
* `build`: a recipe to objects.
"""
