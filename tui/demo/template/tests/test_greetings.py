import unittest

from greet import greet, languages


class GreetingTest(unittest.TestCase):
    def test_every_language_says_the_name(self) -> None:
        for language in languages():
            with self.subTest(language=language):
                self.assertIn("Ada", greet("Ada", language))

    def test_a_name_of_several_words_stays_whole(self) -> None:
        self.assertEqual(greet("Ada Lovelace"), "Hello, Ada Lovelace!")

    def test_blanks_around_a_name_go(self) -> None:
        self.assertEqual(greet("  Ada "), "Hello, Ada!")

    def test_an_unknown_language_is_an_error_that_names_the_known_ones(self) -> None:
        with self.assertRaisesRegex(ValueError, "de, en,"):
            greet("Ada", "xx")
