"""scikit-learn with pandas: a fitted pipeline over columns of a frame, and the frame."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

GROUP = "data"
PACKAGES = ("scikit-learn", "pandas")


class Study:
    def __init__(self):
        random = np.random.default_rng(5)
        self.frame = pd.DataFrame(
            {
                "age": random.integers(18, 80, 60),
                "city": pd.Categorical(random.choice(["Rome", "Oslo"], 60)),
                "joined": pd.date_range("2026-01-01", periods=60, freq="D", tz="UTC"),
                "note": ["a", None, "c"] * 20,
            },
            index=pd.Index(range(100, 160), name="member"),
        )
        self.target = (self.frame["age"] > 40).astype(int)
        self.pipeline = Pipeline(
            [
                ("columns", ColumnTransformer([("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(), ["city"])])),
                ("model", LogisticRegression()),
            ]
        ).fit(self.frame, self.target)
        self.forest = RandomForestClassifier(5, random_state=1).fit(self.frame[["age"]], self.target)
        self.by_city = self.frame.groupby("city", observed=True)["age"].agg(["mean", "count"])


def build(folder):
    return Study()


def facts(study):
    return {
        "frame": study.frame.to_json(date_format="iso"),
        "types": [str(one) for one in study.frame.dtypes],
        "by city": study.by_city.to_json(),
        "predicted": study.pipeline.predict_proba(study.frame).round(12).tolist(),
        "forest": study.forest.predict_proba(study.frame[["age"]]).tolist(),
    }


def use(study, folder):
    study.frame.loc[160] = [50, "Oslo", pd.Timestamp("2026-06-01", tz="UTC"), "new"]
    assert study.pipeline.predict(study.frame).shape == (61,)
    assert study.frame.resample("ME", on="joined")["age"].count().sum() == 61
    target = pd.concat([study.target, pd.Series({160: 1})])
    assert study.pipeline.fit(study.frame, target).score(study.frame, target) > 0.5
