from django.contrib.auth.hashers import make_password
from django.db import migrations

DEMO = [("ada@acme.example", "acme", "analytical engine"), ("grace@globex.example", "globex", "nanoseconds of wire")]


def add(apps, schema_editor):
    user = apps.get_model("analytics", "User")
    for name, tenant_id, password in DEMO:
        user.objects.create(username=name, email=name, tenant_id=tenant_id, password=make_password(password))


def remove(apps, schema_editor):
    apps.get_model("analytics", "User").objects.filter(username__in=[name for name, _, _ in DEMO]).delete()


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
