#!/usr/bin/python3
"""Gradient boosting on the breast cancer data, one line a stage."""
import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--stages", type=int, default=50)
    parser.add_argument("--max-depth", type=int, default=3)
    parser.add_argument("--min-samples-leaf", type=int, default=1)
    parser.add_argument("--subsample", type=float, default=1.0)
    parser.add_argument("--max-features", default="all",
                        choices=["all", "sqrt", "log2"])
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    args = parse_args()
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(
        x, y, test_size=0.3, random_state=args.seed, stratify=y)
    model = GradientBoostingClassifier(
        learning_rate=args.learning_rate, max_depth=args.max_depth,
        min_samples_leaf=args.min_samples_leaf, subsample=args.subsample,
        max_features=None if args.max_features == "all" else args.max_features,
        random_state=args.seed,
        n_estimators=1, warm_start=True)
    for stage in range(1, args.stages + 1):
        model.n_estimators = stage
        model.fit(x_train, y_train)
        train_loss = log_loss(y_train, model.predict_proba(x_train))
        val_loss = log_loss(y_val, model.predict_proba(x_val))
        val_acc = accuracy_score(y_val, model.predict(x_val))
        print(f"step={stage} train_loss={train_loss:.6f} "
              f"val_loss={val_loss:.6f} val_acc={val_acc:.4f}", flush=True)


if __name__ == "__main__":
    main()
