"""scipy, scikit-learn, networkx."""

import networkx as nx
import numpy as np
import scipy.interpolate
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial
import scipy.spatial.transform
import scipy.stats
from sklearn import (
    cluster,
    compose,
    decomposition,
    dummy,
    ensemble,
    feature_extraction,
    linear_model,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from trials.things import filled

X = np.array([[0.0, 1.0], [1.0, 0.5], [2.0, 3.0], [3.0, 2.0]])
Y = np.array([0, 0, 1, 1])


def _graph(cls=nx.Graph):
    it = cls(name="g")
    it.add_edge("a", "b", weight=3)
    it.add_node(5, color=[1])
    return it


def _used():
    it = _graph()
    it.nodes, it.edges, it.adj  # noqa: B018
    nx.shortest_path(it, "a", "b")
    return it


def _fit(model):
    return model.fit(X, Y)


def double(x):
    """Double."""
    return x * 2


def _sparse(cls):
    return cls(np.array([[0, 1], [2, 0]]))


THINGS = {
    "graph": _graph,
    "graph used": _used,
    "graph directed": lambda: _graph(nx.DiGraph),
    "graph multi": lambda: _graph(nx.MultiGraph),
    "graph view": lambda: nx.subgraph_view(_graph()),
    "graph nodes": lambda: _graph().nodes,
    "graph edges": lambda: _graph().edges,
    "sparse csr": lambda: _sparse(scipy.sparse.csr_matrix),
    "sparse csc": lambda: _sparse(scipy.sparse.csc_array),
    "sparse coo": lambda: _sparse(scipy.sparse.coo_array),
    "sparse lil": lambda: _sparse(scipy.sparse.lil_matrix),
    "sparse dok": lambda: _sparse(scipy.sparse.dok_array),
    "sparse dia": lambda: _sparse(scipy.sparse.dia_array),
    "interpolation": lambda: scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4]),
    "interpolation 1d": lambda: scipy.interpolate.interp1d([0, 1, 2], [0, 1, 4]),
    "distribution": lambda: scipy.stats.norm,
    "distribution frozen": lambda: scipy.stats.norm(1, 2),
    "kde": lambda: scipy.stats.gaussian_kde([1.0, 2.0, 4.0]),
    "kdtree": lambda: scipy.spatial.KDTree(X),
    "rotation": lambda: scipy.spatial.transform.Rotation.from_euler("x", 1.0),
    "optimize result": lambda: scipy.optimize.OptimizeResult(x=np.array([1.0]), success=True),
    "filter": lambda: scipy.signal.lti([1], [1, 2]),
    "linear": lambda: _fit(linear_model.LinearRegression()),
    "logistic": lambda: _fit(linear_model.LogisticRegression()),
    "tree": lambda: _fit(tree.DecisionTreeClassifier(random_state=1)),
    "forest": lambda: _fit(ensemble.RandomForestClassifier(3, random_state=1)),
    "boosting": lambda: _fit(ensemble.GradientBoostingClassifier(n_estimators=3, random_state=1)),
    "svm": lambda: _fit(svm.SVC()),
    "neighbors": lambda: _fit(neighbors.KNeighborsClassifier(2)),
    "bayes": lambda: _fit(naive_bayes.GaussianNB()),
    "network": lambda: neural_network.MLPClassifier(5, max_iter=5, random_state=1),
    "kmeans": lambda: cluster.KMeans(2, n_init=1, random_state=1).fit(X),
    "pca": lambda: decomposition.PCA(1).fit(X),
    "scaler": lambda: preprocessing.StandardScaler().fit(X),
    "encoder": lambda: preprocessing.OneHotEncoder().fit([["a"], ["b"]]),
    "function transformer": lambda: preprocessing.FunctionTransformer(double),
    "pipeline": lambda: _fit(pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())),
    "pipeline with a lambda": lambda: pipeline.make_pipeline(preprocessing.FunctionTransformer(lambda x: x * 3)),
    "columns": lambda: compose.ColumnTransformer([("s", preprocessing.StandardScaler(), [0])]).fit(X),
    "search": lambda: _fit(model_selection.GridSearchCV(dummy.DummyClassifier(), {"strategy": ["prior"]}, cv=2)),
    "vectorizer": lambda: feature_extraction.text.CountVectorizer().fit(["a bc", "bc d"]),
    "splitter": lambda: model_selection.KFold(3, shuffle=True, random_state=1),
    "unfitted": lambda: filled(linear_model.Ridge(2.0), note=[1]),
}


def _predicts(model):
    return model.predict(X)


CHECKS = {
    **{
        n: _predicts
        for n in ("linear", "logistic", "tree", "forest", "boosting", "svm", "neighbors", "bayes", "pipeline")
    },
    **{n: _predicts for n in ("kmeans", "search")},
    **{n: (lambda s: s.toarray()) for n in THINGS if n.startswith("sparse")},
    "pca": lambda m: m.transform(X),
    "scaler": lambda m: m.transform(X),
    "columns": lambda m: m.transform(X),
    "encoder": lambda m: m.transform([["a"]]).toarray(),
    "function transformer": lambda m: m.fit_transform(X),
    "pipeline with a lambda": lambda m: m.fit_transform(X),
    "vectorizer": lambda m: m.transform(["bc"]).toarray(),
    "splitter": lambda m: [t.tolist() for t, _ in m.split(X)],
    "interpolation": lambda f: f(1.5),
    "interpolation 1d": lambda f: f(1.5),
    "distribution": lambda d: d.cdf(0.5),
    "distribution frozen": lambda d: (d.cdf(0.5), d.mean()),
    "kde": lambda k: k(1.5),
    "kdtree": lambda k: k.query([0.0, 1.1])[1],
    "rotation": lambda r: r.as_quat(),
    "filter": lambda f: f.to_ss().A,
    "graph": lambda g: (nx.to_dict_of_dicts(g), dict(g.nodes(data=True)), g.graph),
    "graph used": lambda g: (nx.shortest_path(g, "a", "b"), list(g.edges(data=True))),
    "graph directed": lambda g: (g.is_directed(), list(g.successors("a"))),
    "graph multi": lambda g: list(g.edges(keys=True, data=True)),
    "graph view": lambda g: list(g.edges),
    "graph nodes": list,
    "graph edges": list,
    "optimize result": lambda r: (r.x, r.success),
    "network": lambda m: m.get_params(),
}
OPAQUE = set(CHECKS)
