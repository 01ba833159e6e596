//! What policy decides, case by case.
