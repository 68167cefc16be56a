"""A FastAPI service as an experienced hand writes it: rows that pydantic checks, the model called in the handler.

`python -m peers.serve_fastapi PORT`
"""

from __future__ import annotations

import sys
from datetime import datetime

import uvicorn
from fastapi import FastAPI
from models import meant, predictor, taken
from pydantic import BaseModel


class Customer(BaseModel):
    age: int
    amount: float | None
    city: str
    joined: datetime


app, predict = FastAPI(), predictor()

if meant() == "frame":

    @app.post("/predict")
    async def predict_customers(rows: list[Customer]) -> list[float]:
        return predict(taken([row.model_dump() for row in rows])).tolist()
else:

    @app.post("/predict")
    async def predict_numbers(rows: list[list[float]]) -> list[float]:
        return predict(taken(rows)).tolist()


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
