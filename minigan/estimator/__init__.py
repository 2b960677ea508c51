"""What scikit-learn asks of an estimator: parameters, copies, and answers once it is fitted."""
