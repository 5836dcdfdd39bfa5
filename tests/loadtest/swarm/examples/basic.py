import time

from locust import HttpUser, between, task


class QuickstartUser(HttpUser):
    host = "https://www.example.com"
    weight = 3
    wait_time = between(0.01, 0.05)

    @task
    def hello_world(self):
        self.client.get("/hello")
        self.client.get("/world")

    @task(3)
    def view_items(self):
        for item_id in range(3):
            self.client.get(f"/item?id={item_id}", name="/item")
            time.sleep(0.01)

    @task(2)
    def moved(self):
        self.client.get("/old-home")

    def on_start(self):
        self.client.post("/login", json={"username": "foo", "password": "bar"})


class Browser(HttpUser):
    weight = 1
    wait_time = between(0.01, 0.05)

    @task
    def index(self):
        self.client.get("/?secret=tok-unseen-4711")

    @task
    def missing(self):
        with self.client.get("/missing", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
