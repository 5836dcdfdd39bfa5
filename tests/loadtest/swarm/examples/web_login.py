import hmac
import os

from flask import Blueprint, redirect, request, url_for
from flask_login import UserMixin, login_user, logout_user
from locust import HttpUser, between, events, task


class Person(UserMixin):
    id = "me"


@events.init.add_listener
def let_people_log_in(environment, **_kwargs):
    web_ui = environment.web_ui
    if web_ui is None or not web_ui.web_login:
        return
    web_ui.app.config["SECRET_KEY"] = os.environ["SESSION_KEY"]
    web_ui.login_manager.user_loader(lambda name: Person() if name == Person.id else None)
    web_ui.auth_args = {"username_password_callback": "/log-in"}
    pages = Blueprint("auth", __name__)

    @pages.route("/log-in", methods=["POST"])
    def log_in():
        given = request.form.get("password", "")
        if request.form.get("username") != Person.id or not hmac.compare_digest(
            given, os.environ["PASSWORD"]
        ):
            return redirect(url_for("locust.login"))
        login_user(Person())
        return redirect(url_for("locust.index"))

    @pages.route("/log-out", methods=["POST"])
    def log_out():
        logout_user()
        return redirect(url_for("locust.login"))

    web_ui.app.register_blueprint(pages)


class Visitor(HttpUser):
    wait_time = between(0.1, 0.3)

    @task
    def home(self):
        self.client.get("/home")
