"""A page and an API that show the answers of several models side by side.

python app.py RUN, then open http://127.0.0.1:8000
"""

import base64
import io
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from PIL import Image

import bakeoff
from bakeoff.errors import BakeoffError

HERE = Path(__file__).resolve().parent
LIMIT = 5_000_000  # bytes of an upload

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    SECRET_KEY=os.urandom(32).hex(),  # signs the form's token, which lives as long as the server
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",  # without it, ALLOWED_HOSTS has no effect
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [HERE]},
    ],
    DATA_UPLOAD_MAX_MEMORY_SIZE=LIMIT,
)
django.setup()
panel = bakeoff.load([sys.argv[1]])


def answered(data):
    """The answers of every model to the picture or CSV in these bytes, and what was left out."""
    if not data or len(data) > LIMIT:
        raise BakeoffError("the file", "is empty or larger than 5 MB", "Send one picture or a CSV")
    return panel.predict(data)


def page(request):
    """The form, and below it each picture with the answers of the models."""
    shown = {"models": list(panel.bundles)}
    upload = request.FILES.get("picture")
    if request.method == "POST":
        try:
            answers = answered(upload.read() if upload else request.POST.get("csv", "").encode())
            rows = zip(*answers.values(), strict=True)
            shown["rows"] = [(data_uri(row[0].picture), row) for row in rows]
        except BakeoffError as error:
            shown["error"] = str(error)
    return render(request, "page.html", shown, status=400 if "error" in shown else 200)


# Without the token of a form: it changes nothing here, and other sites cannot read its answers.
@csrf_exempt
@require_POST
def api(request):
    """The same as JSON: curl --data-binary @picture.png http://127.0.0.1:8000/api"""
    try:
        answers = answered(request.body)
    except BakeoffError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({name: [one.to_dict() for one in of] for name, of in answers.items()})


def data_uri(pixels):
    """A picture for the page, in its own pixels."""
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


urlpatterns = [path("", page), path("api", api)]

if __name__ == "__main__":
    port = os.environ.get("PORT", "8000")
    execute_from_command_line(["app.py", "runserver", "--noreload", f"127.0.0.1:{port}"])
