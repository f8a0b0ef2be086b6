"""Texts of films, such as plots, as a few numbers: TF-IDF of their words, reduced to the first singular directions.

Source: S. Deerwester et al., "Indexing by latent semantic analysis", 1990.
"""

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MaxAbsScaler

MIN_FILMS = 3  # of training, that a word is in
MOST_WORDS = 20_000  # the most frequent ones
COMPONENTS = 32


def encode_texts(texts: pd.Series, trained: np.ndarray) -> np.ndarray:
    """Encode texts by transformers that are fitted on the films of the training ratings only.

    Args:
        texts: One a film; a missing one has no words.
        trained: Whether each film has a training rating, [num_movies] bool.

    Returns:
        [num_movies, at most COMPONENTS] float32, from -1 to 1 over the training films; zeros for a film without words.
        Without any column if fewer than two words are in enough training films.
    """
    texts = texts.fillna("")
    counter = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, min_df=MIN_FILMS, max_features=MOST_WORDS, dtype=np.float32
    )
    try:
        words = counter.fit_transform(texts[trained])
        reduced = TruncatedSVD(min(COMPONENTS, *words.shape), random_state=0).fit(words)
    except ValueError:  # fewer than two words are left
        return np.zeros((len(texts), 0), dtype=np.float32)
    components = reduced.transform(counter.transform(texts))
    return np.asarray(MaxAbsScaler().fit(components[trained]).transform(components), dtype=np.float32)
