"""A room on the pages: opened, entered, followed, asked; and what somebody may not do there."""

from tests.pages.room_screen import follower, opened


def test_a_teacher_opens_a_room_and_a_class_follows():
    teacher = opened()
    assert teacher.bar["isTeacher"]
    code = teacher.bar["code"]
    assert code in teacher.html
    assert "data:image/svg+xml" in teacher.html
    student = follower(teacher)
    assert not student.bar["isTeacher"]
    assert student.bar["place"] == ""
    assert student.run().test.title[0].value == "How does a class follow its teacher?"
    teacher.go("pages/attention/page.py")
    student.run()
    assert student.test.title[0].value == "What does each token look at?"
    assert student.bar["isFollowing"]
