from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person, who belongs to one customer."""

    tenant_id = models.CharField(max_length=256)
